// ASP.NET Core: copy Request.Body to bytes; a parameter with [FromBody] would read and parse it first.
using System.Security.Cryptography;
using System.Text;

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
    return Results.Ok(); // now JsonDocument.Parse(body), and process it once per id
});

app.MapPost("/webhooks/plustive", async (HttpRequest request) =>
{
    var body = await RawBody(request);
    var signature = request.Headers["X-Plustive-Signature"].ToString();
    if (signature.StartsWith("sha256=", StringComparison.OrdinalIgnoreCase)) signature = signature[7..];
    if (!IsSigned("PLUSTIVE_WEBHOOK_SECRET", signature, body)) return Results.Unauthorized();
    return Results.Ok(); // now JsonDocument.Parse(body), and process it once per reference and status
});

app.Run();

static async Task<byte[]> RawBody(HttpRequest request)
{
    using var copy = new MemoryStream();
    await request.Body.CopyToAsync(copy);
    return copy.ToArray();
}

// FixedTimeEquals compares in constant time and returns false when the lengths differ.
static bool IsSigned(string variable, string signature, byte[] message)
{
    if (signature.Length != 64 || !signature.All(char.IsAsciiHexDigit)) return false;
    var secret = Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(variable)!);
    return CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(secret, message), Convert.FromHexString(signature));
}
