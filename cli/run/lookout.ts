/** Looks in a row that fail before somebody is told. */
const failuresTold = 3;

/**
 * A look that is made again and again, one at a time: one that is due while another goes on is left out. A look that fails is
 * made good by the next; where three in a row fail, `failed` is called with the error, once until a look succeeds again. Never
 * rejects.
 */
export function lookout(look: () => Promise<void>, failed: (error: unknown) => void): () => Promise<void> {
  let isLooking = false;
  let failures = 0;
  return async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      await look();
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === failuresTold) failed(error);
    } finally {
      isLooking = false;
    }
  };
}
