"""python -m helpers.batch JOBS.csv --output FOLDER"""

from .terminal import run

if __name__ == "__main__":
    run("batch")
