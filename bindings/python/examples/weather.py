"""Runs a graph document and goes on with its results: four years of weather, summed up by month.

    python weather.py [weather.graph.json]
"""

import pathlib
import sys

import reflow

DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / "examples" / "weather" / "weather.graph.json"


def main(document: pathlib.Path) -> None:
    result = reflow.run(document, collect=["by_month.out"], timeout=60)
    months = result["by_month.out"]
    warmest = max(months, key=lambda month: month["temp_max_mean"])
    wettest = max(months, key=lambda month: month["precipitation_sum"])
    print(f"{len(months)} months in {result.seconds:.3f} s")
    print(f"warmest: {warmest['month']} with {warmest['temp_max_mean']:.1f} °C on average by day")
    print(f"wettest: {wettest['month']} with {wettest['precipitation_sum']:.0f} mm")
    days = sum(month["count"] for month in months)
    assert days == result.report["read"]["sent"] == 1461


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENT)
