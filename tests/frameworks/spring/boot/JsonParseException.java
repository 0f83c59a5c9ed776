package org.springframework.boot.json;

public class JsonParseException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    public JsonParseException(Throwable cause) {
        super("Cannot parse JSON", cause);
    }
}
