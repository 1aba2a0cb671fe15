package reflow;

/** Something that a network did. Texts that do not apply are empty; peer is who receives a message that was sent. */
public record Event(String kind, String node, String component, String port, String peer, String peerPort, String error,
        long count, Object message) {}
