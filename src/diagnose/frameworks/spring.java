// Spring: take the body as byte[]; a String or an object would be decoded or parsed already.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
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
        return ResponseEntity.ok().build(); // now parse `body`, and process it once per id
    }

    @PostMapping("/webhooks/plustive")
    ResponseEntity<Void> plustive(
            @RequestHeader(name = "X-Plustive-Signature", defaultValue = "") String signature,
            @RequestBody(required = false) byte[] body) throws GeneralSecurityException {
        if (!isSigned("PLUSTIVE_WEBHOOK_SECRET", signature.replaceFirst("(?i)^sha256=", ""), "", body)) {
            return ResponseEntity.status(401).build();
        }
        return ResponseEntity.ok().build(); // now parse `body`, and process it once per reference and status
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
}
