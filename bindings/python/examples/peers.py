"""Two networks that find each other by a discovery server and send to each other's actors.

Both are in one process here; nothing would change with two on two machines but the addresses.
"""

import reflow

LOCAL = "127.0.0.1"


@reflow.actor(inports=["in"], outports=["out"])
def shout(ctx, text):
    return {"out": text.upper()}


def main() -> None:
    with reflow.DiscoveryServer(LOCAL) as discovery:
        servers = [f"http://{LOCAL}:{discovery.port}"]
        common = {"bind_address": LOCAL, "auth_token": "correct-horse", "discovery_endpoints": servers}
        with reflow.Network() as studio, reflow.Network() as kiln:
            studio.add("shout", shout)
            studio.start()
            with reflow.Peer("studio", network=studio, **common) as there:
                there.discover()
                with reflow.Peer("kiln", network=kiln, **common) as here:
                    linked = here.events(["connected"])
                    here.discover()
                    if not here.connected("studio"):
                        next(linked)
                    print("linked to", [network["network_id"] for network in here.networks])
                    # A node that stands for the actor there: graphs name it "shout@studio", too.
                    node = here.register_remote_actor("shout", "studio", outports=["out"])
                    answers = kiln.stream(f"{node}.out")
                    kiln.send(f"{node}.in", "hello over there")
                    answer = answers.recv(timeout=10)
                    print("answer:", answer)
                    print(f"round trip: {here.ping('studio') * 1e6:.0f} µs")
    assert answer == "HELLO OVER THERE"


if __name__ == "__main__":
    main()
