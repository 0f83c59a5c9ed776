<?php
// Laravel: $request->getContent() returns the raw body; $request->all() and json_encode() do not. Put the routes
// into routes/api.php, which has no CSRF check, or exclude them from it.

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

// hash_equals compares in constant time and returns false when the lengths differ. Read the secrets with config() if the
// configuration is cached.
function isSigned(string $secret, string $signature, string $message): bool
{
    return $secret !== '' && hash_equals(hash_hmac('sha256', $message, $secret), strtolower($signature));
}

Route::post('/webhooks/plexos', function (Request $request) {
    $body = $request->getContent();
    $time = (string) $request->header('X-Plexos-Timestamp');
    $isFresh = preg_match('/^\d{1,12}$/D', $time) === 1 && abs(time() - (int) $time) <= 300;
    $secret = (string) env('PLEXOS_WEBHOOK_SECRET');
    if (!$isFresh || !isSigned($secret, (string) $request->header('X-Plexos-Signature'), "$time.$body")) {
        return response('', 401);
    }
    $event = json_decode($body, true); // then process it in a job, once per $event['id']
    return response('', 200);
});

Route::post('/webhooks/plustive', function (Request $request) {
    $body = $request->getContent();
    $signature = (string) preg_replace('/^sha256=/i', '', (string) $request->header('X-Plustive-Signature'));
    if (!isSigned((string) env('PLUSTIVE_WEBHOOK_SECRET'), $signature, $body)) {
        return response('', 401);
    }
    $event = json_decode($body, true); // then process it in a job, once per $event['reference'] and status
    return response('', 200);
});
