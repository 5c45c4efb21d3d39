/**
 * What the service says and this version does not know yet.
 *
 * @since 0.1.0
 */
import type * as Brand from "effect/Brand"

/**
 * A status, vendor or other choice of tomorrow. The service may add to what it answers at any time, so that a `switch`
 * over such a member needs a default.
 *
 * @since 0.1.0
 * @category models
 */
export type UnknownValue = string & Brand.Brand<"UnknownValue">
