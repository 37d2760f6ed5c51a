"""python -m helpers CONTENT STYLE [STYLE …] --output OUT.png"""

from .terminal import run

if __name__ == "__main__":
    run("main")
