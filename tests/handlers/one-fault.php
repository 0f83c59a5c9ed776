<?php
// A Plexos handler with one mistake, which FAULT names; without it, a correct one. For tests of `whtool check`.
$fault = getenv('FAULT') ?: 'none';
$secret = (string) getenv('PLEXOS_WEBHOOK_SECRET');
$body = file_get_contents('php://input');
$time = $_SERVER['HTTP_X_PLEXOS_TIMESTAMP'] ?? '';
$given = $_SERVER['HTTP_X_PLEXOS_SIGNATURE'] ?? '';
$isFresh = ctype_digit($time) && abs(time() - (int) $time) <= 300;
if ($fault === 'header-case') $time = $_SERVER['X-Plexos-Timestamp'] ?? null;
if ($fault === 'post-array') $body = json_encode($_POST);
if ($fault === 'only-data') $body = json_encode(json_decode($body, true)['data']);
if ($fault === 'body-twice') $body = json_encode($body);
if ($fault === 'key-quotes') $secret = "\"$secret\"";
$expected = hash_hmac('sha256', "$time.$body", $secret);
if ($fault === 'raw-base64') $expected = base64_encode(hash_hmac('sha256', "$time.$body", $secret, true));
if ($fault === 'upper-case') $expected = strtoupper($expected);
if ($fault === 'plain-hash') $expected = hash('sha256', "$time.$body$secret");
if ($fault === 'swapped') $expected = hash_hmac('sha256', $secret, "$time.$body");
if (!$isFresh || !hash_equals($expected, $given)) {
    http_response_code(401);
    exit('invalid signature');
}
http_response_code(is_array(json_decode(file_get_contents('php://input'), true)) ? 200 : 400);
