import { auditServer } from 'graphql-http';
import { PATIENCE } from '../world/patience.js';
import { OK } from '../world/result.js';

/** graphql-http's audits of GraphQL over HTTP, as rows of id, name and result. Only `ok` is good: no notice, no warning. */
export async function audit(url) {
  const fetchFn = (address, init) => fetch(address, { signal: AbortSignal.timeout(PATIENCE), ...init });
  const audits = await auditServer({ url, fetchFn });
  return audits.map(({ id, name, status, reason }) => [id, name, status === 'ok' ? OK : { failed: `${status}: ${reason}` }]);
}
