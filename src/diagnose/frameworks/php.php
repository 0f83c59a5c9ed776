<?php
// Plain PHP: php://input holds the raw body; $_POST and json_encode() do not.

// hash_equals compares in constant time and returns false when the lengths differ.
function isSigned(string $secret, string $signature, string $message): bool
{
    return $secret !== '' && hash_equals(hash_hmac('sha256', $message, $secret), strtolower($signature));
}

$body = (string) file_get_contents('php://input');
if (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) === '/webhooks/plexos') {
    $time = $_SERVER['HTTP_X_PLEXOS_TIMESTAMP'] ?? ''; // the header X-Plexos-Timestamp
    $signature = $_SERVER['HTTP_X_PLEXOS_SIGNATURE'] ?? ''; // the header X-Plexos-Signature
    $isFresh = preg_match('/^\d{1,12}$/D', $time) === 1 && abs(time() - (int) $time) <= 300;
    $isAuthentic = $isFresh && isSigned((string) getenv('PLEXOS_WEBHOOK_SECRET'), $signature, "$time.$body");
} else {
    $signature = $_SERVER['HTTP_X_PLUSTIVE_SIGNATURE'] ?? ''; // the header X-Plustive-Signature
    $signature = (string) preg_replace('/^sha256=/i', '', $signature);
    $isAuthentic = isSigned((string) getenv('PLUSTIVE_WEBHOOK_SECRET'), $signature, $body);
}
if (!$isAuthentic) {
    http_response_code(401);
    exit;
}
$event = json_decode($body, true); // queue the event, and process it once
http_response_code(200);
