<?php
// Plain PHP: php://input holds the raw body; $_POST and json_encode() do not.

// hash_equals compares in constant time and returns false if the lengths differ.
function isSigned(string $variable, string $signature, string $message): bool
{
    $secret = (string) getenv($variable);
    return $secret !== '' && hash_equals(hash_hmac('sha256', $message, $secret), strtolower($signature));
}

$body = (string) file_get_contents('php://input');
if (isset($_SERVER['HTTP_X_PLEXOS_SIGNATURE'])) { // the header X-Plexos-Signature
    $time = $_SERVER['HTTP_X_PLEXOS_TIMESTAMP'] ?? ''; // the header X-Plexos-Timestamp
    $isFresh = preg_match('/^\d{1,12}$/D', $time) === 1 && abs(time() - (int) $time) <= 300;
    $isGenuine = $isFresh && isSigned('PLEXOS_WEBHOOK_SECRET', $_SERVER['HTTP_X_PLEXOS_SIGNATURE'], "$time.$body");
} else {
    $signature = $_SERVER['HTTP_X_PLUSTIVE_SIGNATURE'] ?? ''; // the header X-Plustive-Signature
    $isGenuine = isSigned('PLUSTIVE_WEBHOOK_SECRET', preg_replace('/^sha256=/i', '', $signature), $body);
}
if (!$isGenuine) {
    http_response_code(401);
    exit;
}
$event = json_decode($body, true);
if (!is_array($event) || array_is_list($event)) {
    http_response_code(400);
    exit;
}
// Store $event here, and process it later, once: per id (Plexos), per reference and status (Plustive).
http_response_code(200);
