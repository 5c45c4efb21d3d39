/** The command `workloads`: administration of workload identities. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { operations } from "../IdentityApi.js"
import { type OptionNames, renameFields } from "../internal/model/optionNames.js"
import * as Client from "./client.js"
import { flag, optional, repeated, required } from "./option.js"
import * as Output from "./output.js"

const name = required("name", "NAME", "the name of the workload identity")

const url = required("url", "URL", "the exact return URL")

const names: OptionNames = [["name", "--name"], ["url", "--url"], ["allowedResourceOauth2ReturnUrls", "--return-url"]]

const create = Command.make("create", {
  name: optional("name", "NAME", "the name of the workload identity", "workload- and eight hexadecimal digits"),
  returnUrls: repeated("return-url", "URL", "an allowed return URL"),
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.flatMap(
      identity.createWorkloadIdentity({
        ...Option.match(given.name, { onNone: () => ({}), onSome: (name) => ({ name }) }),
        ...(given.returnUrls.length > 0 && { allowedResourceOauth2ReturnUrls: given.returnUrls })
      }),
      (reply) => Output.value(given.json, operations.createWorkloadIdentity.reply, reply)
    ), { names })).pipe(Command.withDescription("Creates a workload identity; without --name, its name is generated."))

const update = Command.make("update", {
  name,
  returnUrls: repeated("return-url", "URL", "an allowed return URL"),
  none: flag("no-return-urls", "remove all return URLs, instead of --return-url"),
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.flatMap(
      identity.updateWorkloadIdentity({ name: given.name, allowedResourceOauth2ReturnUrls: given.returnUrls }),
      (reply) => Output.value(given.json, operations.updateWorkloadIdentity.reply, reply)
    ), {
    names,
    check: (given.returnUrls.length > 0) === given.none
      ? Effect.fail(Output.usageInvalid("pass either --return-url or --no-return-urls"))
      : Effect.void
  })).pipe(
    Command.withDescription("Replaces all return URLs of a workload identity.")
  )

const get = Command.make(
  "get",
  { name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(
        identity.getWorkloadIdentity({ name: given.name }),
        (reply) => Output.value(given.json, operations.getWorkloadIdentity.reply, reply)
      ), { names })
).pipe(Command.withDescription("Shows a workload identity."))

const list = Command.make(
  "list",
  Client.common,
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(Stream.runCollect(identity.listWorkloadIdentities()), (items) => {
        const workloadIdentities = Array.from(items)
        return given.json
          ? Output.value(true, operations.listWorkloadIdentities.reply, { workloadIdentities })
          : Output.lines(workloadIdentities.map(({ name }) => name))
      }))
).pipe(Command.withDescription("Lists the names of the workload identities, one per line."))

const remove = Command.make(
  "delete",
  { name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.zipRight(
        identity.deleteWorkloadIdentity({ name: given.name }),
        Output.done(given.json, { name: given.name, outcome: "deleted" }, `deleted ${given.name}`)
      ), { names })
).pipe(Command.withDescription("Deletes a workload identity and everything that is stored for it."))

const addReturnUrl = Command.make(
  "add-return-url",
  { name, url, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(
        Effect.zipRight(
          Client.validate(operations.updateWorkloadIdentity, {
            name: given.name,
            allowedResourceOauth2ReturnUrls: [given.url]
          }).pipe(Effect.mapError(renameFields([["allowedResourceOauth2ReturnUrls[0]", "--url"]]))),
          identity.addReturnUrl({ name: given.name, url: given.url })
        ),
        (reply) => Output.value(given.json, operations.getWorkloadIdentity.reply, reply)
      ), { names })
).pipe(Command.withDescription("Adds a return URL to the registered ones."))

const removeReturnUrl = Command.make(
  "remove-return-url",
  { name, url, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const { json, name, url } = given
        // The library ignores an absent URL. Here it is usually a typing error, and the URL that the user wanted to remove
        // would stay registered.
        const { allowedResourceOauth2ReturnUrls: urls = [] } = yield* identity.getWorkloadIdentity({ name })
        if (!urls.includes(url)) {
          return yield* new Output.CommandFailed({
            reason: "NotRegistered",
            message: `--url is not registered for ${name}, and nothing was removed: pass the exact URL`
          })
        }
        const reply = yield* identity.removeReturnUrl({ name, url })
        return yield* Output.value(json, operations.getWorkloadIdentity.reply, reply)
      }), { names })
).pipe(Command.withDescription("Removes a registered return URL."))

/** @internal */
export const subcommands = [list, get, create, update, addReturnUrl, removeReturnUrl, remove] as const

/** @internal */
export const command = Command.make("workloads").pipe(
  Command.withDescription("Manages workload identities."),
  Command.withSubcommands(subcommands)
)
