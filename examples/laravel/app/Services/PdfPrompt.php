<?php

namespace App\Services;

use RuntimeException;

/** Prints documents with pdfprompt. */
class PdfPrompt
{
    /** Seconds to wait for a document, and between two tries, at most. */
    private const PATIENCE = 120;
    private const LONGEST_PAUSE = 10;

    public function __construct(private string $url, private string $key)
    {
    }

    /**
     * The PDF of a request, as POST /v1/pdf takes it: ['html' => …], ['template' => 'invoice', 'data' => […]].
     *
     * @throws RuntimeException with the service's own words, which name the field that is wrong
     */
    public function pdf(array $request, ?string $idempotencyKey = null): string
    {
        $idempotencyKey ??= bin2hex(random_bytes(16));
        $until = time() + self::PATIENCE;
        do {
            [$status, $headers, $body] = $this->send($request, $idempotencyKey);
            if ($status === 200) {
                return $body;
            }
            // 202: not done yet, the same request waits on. 429 and 5xx: not now. 0: nobody answered.
            $mayChange = in_array($status, [0, 202, 429], true) || $status >= 500;
            if (! $mayChange) {
                $problem = json_decode($body, true);
                throw new RuntimeException($problem['detail'] ?? "pdfprompt answered $status");
            }
            sleep(min((int) ($headers['retry-after'] ?? 1), self::LONGEST_PAUSE));
        } while (time() < $until);
        throw new RuntimeException('pdfprompt did not answer in time');
    }

    /** @return array{int, array<string, string>, string} status, headers by their names in lower case, body */
    private function send(array $request, string $idempotencyKey): array
    {
        $headers = [];
        $curl = curl_init("{$this->url}/v1/pdf");
        curl_setopt_array($curl, [
            CURLOPT_POSTFIELDS => json_encode($request, JSON_THROW_ON_ERROR),
            CURLOPT_HTTPHEADER => [
                "Authorization: Bearer {$this->key}",
                'Content-Type: application/json',
                'Prefer: wait=30',
                "Idempotency-Key: $idempotencyKey",
            ],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 60,
            CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower(trim($name))] = trim($value);

                return strlen($line);
            },
        ]);
        $body = curl_exec($curl);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);

        return [$body === false ? 0 : $status, $headers, (string) $body];
    }
}
