import { endpoint } from './config.js';

// post sends one operation over HTTP. What is no GraphQL answer comes back as one error.
export async function post(payload, headers = {}) {
  let response;
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        ...headers,
        'content-type': 'application/json',
      },
      body: JSON.stringify(payload),
    });
  } catch (error) {
    return failure(`The server at ${endpoint} did not answer: ${error.message}`);
  }
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return failure(`HTTP ${response.status} ${response.statusText}`.trim(), text.slice(0, 2000));
  }
}

export function failure(message, body) {
  return { errors: [{ message, ...(body ? { extensions: { body } } : {}) }] };
}

export const isUnauthenticated = (answer) =>
  Boolean(answer?.errors?.some?.((error) => error.extensions?.code === 'UNAUTHENTICATED'));

// refusal is why a mutation's payload did not do what was asked, or null.
export function refusal(answer, field) {
  if (answer.errors?.length) return answer.errors.map((error) => error.message).join(' ');
  const problems = answer.data?.[field]?.userErrors ?? [];
  return problems.length ? problems.map((problem) => problem.message).join(' ') : null;
}
