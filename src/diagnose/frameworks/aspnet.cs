// ASP.NET Core: copy Request.Body to bytes; a parameter with [FromBody] would read and parse it first.
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

var app = WebApplication.CreateBuilder(args).Build();

app.MapPost("/webhooks/plexos", async (HttpRequest request) =>
{
    var body = await RawBody(request);
    var time = request.Headers["X-Plexos-Timestamp"].ToString();
    var isFresh = time.Length <= 12 && time.All(char.IsAsciiDigit) && long.TryParse(time, out var seconds)
        && Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - seconds) <= 300;
    var signature = request.Headers["X-Plexos-Signature"].ToString();
    if (!isFresh || !IsSigned("PLEXOS_WEBHOOK_SECRET", signature, [.. Encoding.ASCII.GetBytes(time + "."), .. body]))
        return Results.Unauthorized();
    if (ParseEvent(body) is not { } parsed) return Results.BadRequest();
    // Store `parsed` here, and process it later, once per id.
    return Results.Ok();
});

app.MapPost("/webhooks/plustive", async (HttpRequest request) =>
{
    var body = await RawBody(request);
    var signature = request.Headers["X-Plustive-Signature"].ToString();
    if (signature.StartsWith("sha256=", StringComparison.OrdinalIgnoreCase)) signature = signature[7..];
    if (!IsSigned("PLUSTIVE_WEBHOOK_SECRET", signature, body)) return Results.Unauthorized();
    if (ParseEvent(body) is not { } parsed) return Results.BadRequest();
    // Store `parsed` here, and process it later, once per reference and status.
    return Results.Ok();
});

app.Run();

static async Task<byte[]> RawBody(HttpRequest request)
{
    using var copy = new MemoryStream();
    await request.Body.CopyToAsync(copy);
    return copy.ToArray();
}

// FixedTimeEquals compares in constant time and returns false if the lengths differ.
static bool IsSigned(string variable, string signature, byte[] message)
{
    var secret = Environment.GetEnvironmentVariable(variable);
    if (string.IsNullOrEmpty(secret)) throw new InvalidOperationException($"{variable} is not set");
    if (signature.Length != 64 || !signature.All(char.IsAsciiHexDigit)) return false;
    var expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), message);
    return CryptographicOperations.FixedTimeEquals(expected, Convert.FromHexString(signature));
}

// Returns null if the body is not a JSON object.
static Dictionary<string, JsonElement>? ParseEvent(byte[] body)
{
    try { return JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(body); }
    catch (JsonException) { return null; }
}
