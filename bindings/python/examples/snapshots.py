"""Stopping in the middle and going on later: a snapshot has the states of the nodes and what was on its way."""

import pathlib
import tempfile

import reflow


def summing() -> reflow.Graph:
    graph = reflow.Graph("sales")
    graph.add("by_shop", "GroupAggregate", {
        "by": "shop", "aggregates": {"count": True, "columns": ["euros"], "functions": ["sum"]},
    })
    return graph.expose_in("sales", "by_shop.in").expose_out("totals", "by_shop.out")


def main(folder: pathlib.Path) -> None:
    sales = [{"shop": "north", "euros": 5}, {"shop": "south", "euros": 7}, {"shop": "north", "euros": 11}]
    with reflow.Network(summing()) as monday:
        monday.start()
        for sale in sales:
            monday.send("sales", sale)
        monday.wait_idle(timeout=5)
        monday.snapshot(folder / "sales.snapshot")
        print(f"{(folder / 'sales.snapshot').stat().st_size} bytes kept, and the process might end here")

    with reflow.Network(summing()) as tuesday:
        tuesday.restore(folder / "sales.snapshot")
        totals = tuesday.stream("totals")
        tuesday.start()
        tuesday.send("sales", {"shop": "south", "euros": 13})
        tuesday.drain(timeout=5)
        told = {row["shop"]: (row["count"], row["euros_sum"]) for row in totals}
    print("sales and euros:", told)
    assert told == {"north": (2, 16), "south": (2, 20)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(pathlib.Path(folder))
