"""python -m helpers.film FILM STYLE [STYLE …] --output OUT.gif"""

from .terminal import command

if __name__ == "__main__":
    command("film")
