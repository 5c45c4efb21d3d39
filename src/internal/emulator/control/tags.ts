import * as HashMap from "effect/HashMap"
import type { State } from "../state/state.js"

/** @internal */
export const set = (
  stored: State["tags"],
  arn: string,
  tags: { readonly [key: string]: string } | undefined
): State["tags"] => tags === undefined ? stored : HashMap.set(stored, arn, tags)

/**
 * What was said of a resource goes with it.
 *
 * @internal
 */
export const forget = ({ policies, tags }: State, arn: string): Pick<State, "policies" | "tags"> => ({
  policies: HashMap.remove(policies, arn),
  tags: HashMap.remove(tags, arn)
})
