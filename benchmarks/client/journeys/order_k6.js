// The journey for k6: order, and order again, as its own documentation would write it.
import http from 'k6/http';
import { Counter } from 'k6/metrics';

// Without noCookiesReset every iteration would begin without the cookie.
export const options = { noCookiesReset: true };

const noRule = new Counter('no_rule');
const url = `${__ENV.BENCH_URL}/orders`;
const prefix = `6f1b7c9e-4d7e-4d6c-${String(__VU).padStart(4, '0')}-`;
const email = `fan-1123051043ab12cd-${__VU}@example.org`;
let last;

export default function () {
  const body = JSON.stringify({ sku: 'floor', qty: 1, email: email, token: 'tok_visa_4242_4242' });
  const key = prefix + String(__ITER).padStart(12, '0');
  const reply = http.post(url, body, { headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key } });
  const status = reply.status;
  if (status === 429 || status === 503) return;
  const answer = reply.json();
  if (status === 409 && answer.code === 'SOLD_OUT') return;
  if (status === 200 && answer.state === 'open') {
    last = [answer.order, answer.total];
    return;
  }
  noRule.add(1);
}
