/** Messages that several pages show. */

/** Answers a request for consent whose time is over. */
export const requestExpired = {
  status: 410,
  title: "This request has expired",
  text: "Return to the application and request access again."
}
