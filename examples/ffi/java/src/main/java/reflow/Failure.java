package reflow;

/** What an actor throws when its firing fails, with a hint. Any other exception is a failure, too. */
public final class Failure extends Exception {
    private static final long serialVersionUID = 1;
    private final String hint;

    public Failure(String message, String hint) {
        super(message);
        this.hint = hint;
    }

    public String hint() {
        return hint;
    }
}
