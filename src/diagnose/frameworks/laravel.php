<?php
// Laravel: app/Http/Controllers/WebhookController.php. $request->getContent() is the raw body; $request->all() is not.
// In routes/api.php, which has no CSRF check (the URLs begin with /api there):
//   Route::post('/webhooks/plexos', [App\Http\Controllers\WebhookController::class, 'plexos']);
//   Route::post('/webhooks/plustive', [App\Http\Controllers\WebhookController::class, 'plustive']);
// In config/services.php, since env() returns nothing once the configuration is cached:
//   'plexos' => ['webhook_secret' => env('PLEXOS_WEBHOOK_SECRET')],
//   'plustive' => ['webhook_secret' => env('PLUSTIVE_WEBHOOK_SECRET')],

namespace App\Http\Controllers;

use Illuminate\Http\Request;
use Illuminate\Http\Response;

class WebhookController
{
    public function plexos(Request $request): Response
    {
        $body = $request->getContent();
        $time = (string) $request->header('X-Plexos-Timestamp');
        $isFresh = preg_match('/^\d{1,12}$/D', $time) === 1 && abs(time() - (int) $time) <= 300;
        $signature = (string) $request->header('X-Plexos-Signature');
        if (!$isFresh || !$this->isSigned('plexos', $signature, "$time.$body")) {
            return response('', 401);
        }
        $event = json_decode($body, true);
        if (!is_array($event) || array_is_list($event)) {
            return response('', 400);
        }
        // Store $event here, and process it in a job, once per $event['id'].
        return response('', 200);
    }

    public function plustive(Request $request): Response
    {
        $body = $request->getContent();
        $signature = preg_replace('/^sha256=/i', '', (string) $request->header('X-Plustive-Signature'));
        if (!$this->isSigned('plustive', $signature, $body)) {
            return response('', 401);
        }
        $event = json_decode($body, true);
        if (!is_array($event) || array_is_list($event)) {
            return response('', 400);
        }
        // Store $event here, and process it in a job, once per $event['reference'] and status.
        return response('', 200);
    }

    // hash_equals compares in constant time and returns false if the lengths differ.
    private function isSigned(string $provider, string $signature, string $message): bool
    {
        $secret = (string) config("services.$provider.webhook_secret");
        return $secret !== '' && hash_equals(hash_hmac('sha256', $message, $secret), strtolower($signature));
    }
}
