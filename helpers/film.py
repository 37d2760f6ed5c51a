"""python -m helpers.film FILM STYLE [STYLE …] --output OUT.gif"""

from .entry import run

if __name__ == "__main__":
    run("film")
