# frozen_string_literal: true

require "json"
require "net/http"
require "securerandom"

# Prints documents with pdfprompt.
class PdfPrompt
  # The service's own words, which name the field that is wrong.
  class Error < StandardError; end

  # Seconds to wait for a document, and between two tries, at most.
  PATIENCE = 120
  LONGEST_PAUSE = 10

  # What may change when the same request is sent again: 202 is not done yet.
  MAY_CHANGE = [202, 429, 500, 502, 503, 504].freeze
  NO_ANSWER = [SystemCallError, SocketError, IOError, Net::OpenTimeout, Net::ReadTimeout].freeze

  def initialize(url: ENV.fetch("PDFPROMPT_URL"), key: ENV.fetch("PDFPROMPT_KEY"))
    @uri = URI("#{url}/v1/pdf")
    @key = key
  end

  # The PDF of a request, as POST /v1/pdf takes it: { html: … }, { template: "invoice", data: { … } }
  def pdf(request, idempotency_key: SecureRandom.uuid)
    deadline = now + PATIENCE
    loop do
      response = send_once(request, idempotency_key)
      return response.body if response.is_a?(Net::HTTPOK)
      raise Error, reason(response) unless response.nil? || MAY_CHANGE.include?(response.code.to_i)
      raise Error, "pdfprompt did not answer in time" if now > deadline

      sleep [(response && response["Retry-After"] || 1).to_i, LONGEST_PAUSE].min
    end
  end

  private

  # nil: no whole answer came. Net::HTTP takes a body that is shorter than its Content-Length as whole.
  def send_once(request, idempotency_key)
    headers = {
      "Authorization" => "Bearer #{@key}",
      "Content-Type" => "application/json",
      "Accept-Encoding" => "identity", # so that Content-Length is of the body as it is read
      "Prefer" => "wait=30",
      "Idempotency-Key" => idempotency_key
    }
    Net::HTTP.start(@uri.host, @uri.port, use_ssl: @uri.scheme == "https", read_timeout: 60) do |http|
      http.post(@uri.path, JSON.generate(request), headers)
    end.then { |response| response unless response.content_length&.>(response.body.to_s.bytesize) }
  rescue *NO_ANSWER
    nil
  end

  def reason(response)
    JSON.parse(response.body).fetch("detail")
  rescue JSON::ParserError, KeyError
    "pdfprompt answered #{response.code}"
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
