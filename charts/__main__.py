"""`python -m charts`: writes all of the chart that is not written by hand."""

from charts.chart import CHART, files, there

if __name__ == "__main__":
    made = files()
    for name in there() - made.keys():
        (CHART / name).unlink()
    for name, text in made.items():
        (CHART / name).parent.mkdir(parents=True, exist_ok=True)
        (CHART / name).write_text(text)
