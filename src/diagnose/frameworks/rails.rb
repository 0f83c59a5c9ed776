# Rails: request.raw_post returns the raw body, even after the parameters were parsed; params and to_json do not.
class WebhooksController < ActionController::API
  def plexos
    time = request.headers["X-Plexos-Timestamp"].to_s
    fresh = time.match?(/\A\d{1,12}\z/) && (Time.now.to_i - time.to_i).abs <= 300
    signature = request.headers["X-Plexos-Signature"].to_s
    return head :unauthorized unless fresh && signed?("PLEXOS_WEBHOOK_SECRET", signature, "#{time}.".b + request.raw_post.b)

    event = JSON.parse(request.raw_post) # then process it in a job, once per event["id"]
    head :ok
  end

  def plustive
    signature = request.headers["X-Plustive-Signature"].to_s.sub(/\Asha256=/i, "")
    return head :unauthorized unless signed?("PLUSTIVE_WEBHOOK_SECRET", signature, request.raw_post)

    event = JSON.parse(request.raw_post) # then process it in a job, once per event["reference"] and status
    head :ok
  end

  private

  # secure_compare compares in constant time and returns false when the lengths differ.
  def signed?(variable, signature, message)
    expected = OpenSSL::HMAC.hexdigest("SHA256", ENV.fetch(variable), message)
    ActiveSupport::SecurityUtils.secure_compare(expected, signature.downcase)
  end
end
