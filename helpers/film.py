"""python -m helpers.film FILM STYLE [STYLE …] --output OUT.gif"""

from .terminal import run

if __name__ == "__main__":
    run("film")
