/** The result of a check. The other is {failed: why}. */
export const OK = { ok: true };

/** The result of a check that throws where it fails. */
export async function resultOf(check) {
  try {
    await check();
    return OK;
  } catch (error) {
    return { failed: error.message };
  }
}
