package reflow;

import java.util.List;

/** A node at work. Each node has one of its own unless the component shares it; no two calls of a node run at once. */
@FunctionalInterface
public interface Actor {
    /** Sees to one firing: one input, or one for each inport if the component awaits more. */
    void run(Context context, List<Input> inputs) throws Exception;

    /** When the network starts. */
    default void setup() throws Exception {}
}
