// Spring Boot: take the body as byte[]; a String or an object would be decoded or parsed already.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.boot.json.JsonParseException;
import org.springframework.boot.json.JsonParserFactory;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

@RestController
class Webhooks {
    @PostMapping("/webhooks/plexos")
    ResponseEntity<Void> plexos(
            @RequestHeader(name = "X-Plexos-Timestamp", defaultValue = "") String time,
            @RequestHeader(name = "X-Plexos-Signature", defaultValue = "") String signature,
            @RequestBody(required = false) byte[] body) throws GeneralSecurityException {
        boolean isFresh = time.matches("\\d{1,12}")
                && Math.abs(Instant.now().getEpochSecond() - Long.parseLong(time)) <= 300;
        if (!isFresh || !isSigned("PLEXOS_WEBHOOK_SECRET", signature, time + ".", body)) {
            return ResponseEntity.status(401).build();
        }
        Map<String, Object> event = parseEvent(body);
        if (event == null) {
            return ResponseEntity.badRequest().build();
        }
        // Store `event` here, and process it later, once per id.
        return ResponseEntity.ok().build();
    }

    @PostMapping("/webhooks/plustive")
    ResponseEntity<Void> plustive(
            @RequestHeader(name = "X-Plustive-Signature", defaultValue = "") String signature,
            @RequestBody(required = false) byte[] body) throws GeneralSecurityException {
        if (!isSigned("PLUSTIVE_WEBHOOK_SECRET", signature.replaceFirst("(?i)^sha256=", ""), "", body)) {
            return ResponseEntity.status(401).build();
        }
        Map<String, Object> event = parseEvent(body);
        if (event == null) {
            return ResponseEntity.badRequest().build();
        }
        // Store `event` here, and process it later, once per reference and status.
        return ResponseEntity.ok().build();
    }

    private static boolean isSigned(String variable, String signature, String before, byte[] body)
            throws GeneralSecurityException {
        if (!signature.matches("[0-9a-fA-F]{64}")) {
            return false;
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(System.getenv(variable).getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        mac.update(before.getBytes(StandardCharsets.UTF_8));
        byte[] expected = mac.doFinal(body == null ? new byte[0] : body);
        return MessageDigest.isEqual(expected, HexFormat.of().parseHex(signature));
    }

    /** Returns null if the body is not a JSON object. */
    private static Map<String, Object> parseEvent(byte[] body) {
        try {
            String text = body == null ? "" : new String(body, StandardCharsets.UTF_8);
            return JsonParserFactory.getJsonParser().parseMap(text);
        } catch (JsonParseException e) {
            return null;
        }
    }
}
