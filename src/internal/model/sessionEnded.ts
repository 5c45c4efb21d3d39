/** The assumption about polls of a session that has ended. */
import type { IdentityError } from "../../IdentityError.js"

/**
 * Tests if the reply to a poll says that the session has ended. The service was observed to raise `AccessDeniedException`
 * with this text when a session that has expired, or that belongs to another user, is completed. Its reply to a poll is not
 * documented. Assumption: it is the same for a session that has expired. A poll with the token of another user gets a denial
 * with another text, so that both can be distinguished. If the service raises the same error for both, another user reads
 * that the session has expired, and gets no token either.
 */
export const isSessionEnded = (error: IdentityError): boolean =>
  error._tag === "AccessDenied" && /invalid or expired session/i.test(error.message)
