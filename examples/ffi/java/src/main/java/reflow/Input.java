package reflow;

import com.sun.jna.Pointer;

/**
 * One packet of a firing. The index is that of the connection into an array port, or -1; present is false if nothing has
 * come at the inport.
 */
public record Input(Object value, int port, int index, boolean present) {
    static final long SIZE = 32; // of reflow_packet: message, port, index, envelope

    static Input at(Pointer packet) {
        Lib.Message.ByValue message = Lib.Message.at(packet);
        return new Input(Values.copy(message), packet.getInt(16), packet.getInt(20), message.tag != 0);
    }
}
