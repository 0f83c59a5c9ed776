# Rails: request.raw_post returns the raw body, even after the parameters were parsed; params and to_json do not.
# In config/routes.rb:
#   post "webhooks/plexos", to: "webhooks#plexos"
#   post "webhooks/plustive", to: "webhooks#plustive"
class WebhooksController < ActionController::API
  def plexos
    time = request.headers["X-Plexos-Timestamp"].to_s
    fresh = time.match?(/\A\d{1,12}\z/) && (Time.now.to_i - time.to_i).abs <= 300
    signature = request.headers["X-Plexos-Signature"].to_s
    message = "#{time}.".b + request.raw_post.b
    return head :unauthorized unless fresh && signed?("PLEXOS_WEBHOOK_SECRET", signature, message)
    return head :bad_request unless event

    # Store `event` here, and process it in a job, once per event["id"].
    head :ok
  end

  def plustive
    signature = request.headers["X-Plustive-Signature"].to_s.sub(/\Asha256=/i, "")
    return head :unauthorized unless signed?("PLUSTIVE_WEBHOOK_SECRET", signature, request.raw_post)
    return head :bad_request unless event

    # Store `event` here, and process it in a job, once per event["reference"] and status.
    head :ok
  end

  private

  # secure_compare compares in constant time and returns false if the lengths differ.
  def signed?(variable, signature, message)
    secret = ENV.fetch(variable)
    expected = OpenSSL::HMAC.hexdigest("SHA256", secret, message)
    secret.present? && ActiveSupport::SecurityUtils.secure_compare(expected, signature.downcase)
  end

  # Returns nil if the body is not a JSON object.
  def event
    json = JSON.parse(request.raw_post)
    json if json.is_a?(Hash)
  rescue JSON::ParserError
    nil
  end
end
