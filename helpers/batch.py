"""python -m helpers.batch JOBS.csv --output FOLDER"""

from .entry import run

if __name__ == "__main__":
    run("batch")
