"""python -m helpers CONTENT STYLE [STYLE …] --output OUT.png"""

from .terminal import command

if __name__ == "__main__":
    command("main")
