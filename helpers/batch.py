"""python -m helpers.batch JOBS.csv --output FOLDER"""

from .terminal import command

if __name__ == "__main__":
    command("batch")
