// Uploading a photo: ask for a place, send the bytes there.
import { post, refusal } from './http.js';
import { authorization, ofTab } from './identities.js';
import { observe } from './known.js';

const operation = `mutation PhotoUploadCreate($i: PhotoUploadCreateInput!) {
  photoUploadCreate(input: $i) {
    upload { photoId url method headers { name value } expiresAt }
    userErrors { code message }
  }
}`;

// upload returns the photo's id. It runs as the active tab's identity.
export async function upload(blob) {
  const value = await authorization(ofTab());
  const answer = await post(
    { query: operation, operationName: 'PhotoUploadCreate', variables: { i: { contentType: blob.type, bytes: blob.size } } },
    value ? { authorization: value } : {},
  );
  const problem = refusal(answer, 'photoUploadCreate');
  if (problem) throw new Error(problem);
  observe(answer);
  const { photoId, url, method, headers } = answer.data.photoUploadCreate.upload;
  const response = await fetch(reachable(url), {
    method,
    headers: Object.fromEntries((headers ?? []).map((header) => [header.name, header.value])),
    body: blob,
  });
  if (!response.ok) {
    throw new Error(`The upload was refused with HTTP ${response.status}: ${(await response.text()).slice(0, 300)}`);
  }
  return photoId;
}

// reachable turns this very machine under its other name into our own origin, which is all that
// the page's policy lets it talk to.
function reachable(url) {
  const target = new URL(url, location.href);
  const local = ({ hostname }) => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const same = local(target) && local(location) && target.port === location.port;
  return same ? new URL(target.pathname + target.search, location.origin) : target;
}
