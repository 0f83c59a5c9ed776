package org.springframework.boot.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;

/** Stands in for Spring Boot's class of this name, which Debian does not package. */
public abstract class JsonParserFactory {
    public static JsonParser getJsonParser() {
        return text -> {
            try {
                return new ObjectMapper().readValue(text, new TypeReference<Map<String, Object>>() {});
            } catch (JsonProcessingException e) {
                throw new JsonParseException(e);
            }
        };
    }
}
