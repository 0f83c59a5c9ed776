<?php
// WRONG: hashes the output of json_encode instead of the raw body.
$body = file_get_contents('php://input');
$hashed = json_encode(json_decode($body, true));
$timestamp = $_SERVER['HTTP_X_PLEXOS_TIMESTAMP'] ?? '';
$given = strtolower($_SERVER['HTTP_X_PLEXOS_SIGNATURE'] ?? '');
$expected = hash_hmac('sha256', "$timestamp.$hashed", getenv('PLEXOS_WEBHOOK_SECRET'));
$fresh = preg_match('/^[0-9]{1,11}$/D', $timestamp) && abs(time() - (int) $timestamp) <= 300;
if (!$fresh || !hash_equals($expected, $given)) {
    http_response_code(400);
    exit;
}
$event = json_decode($body, true);
http_response_code(is_array($event) && !array_is_list($event) ? 200 : 400);
