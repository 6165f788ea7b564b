import type { Response } from "express";
import { endAgain, refuseChunk } from "./after-end.ts";
import { assertChunk, chunkArguments, type ChunkArguments } from "./chunk.ts";
import { cover } from "./cover.ts";
import { delayCut } from "./delay-cut.ts";
import type { AnswerPart, AskAnswer, HeldAnswer } from "./held-answer.ts";
import { setFields } from "./head-fields.ts";
import { WaitingBody } from "./waiting-body.ts";
import {
  assertHead,
  coverHead,
  headersSent,
  headOf,
  putBack,
  setStatus,
  type ResponseHead,
  type StatusLine,
} from "./response-head.ts";

/**
 * Lets an answer wait before its head, so that something can happen before its client can know of it, and another answer
 * can be given in its place. `ask` is called when a part is about to go out; again, where Node has refused it.
 *
 * To everybody else the answer is on its way meanwhile: `headersSent` and, once it has ended, `writableEnded` are true,
 * headers can no longer be set, a second end is ignored, and a write after the end fails. What is written waits too. An
 * answer that Node would refuse throws at its caller, and is not held. Layers outside see the head that goes out, once.
 *
 * Whoever destroys the connection meanwhile, as Express's own error handler does for an error that comes after the
 * answer, does so once the answer is out or withdrawn, or after a second.
 */
export function holdAnswer(res: Response, ask: AskAnswer): void {
  const hold = new AnswerHold(res, ask);
  hold.begin();
}

type Arguments = readonly unknown[];
type MethodName = "end" | "flushHeaders" | "write" | "writeHead";
type Methods = Record<MethodName, (this: Response, ...args: Arguments) => unknown>;

/** `given`: `writeHead` was called. Like Node, sends the head with what comes next. */
type Phase = "open" | "given" | "waiting" | "begun" | "over" | "withdrawn";

const NOTHING: ChunkArguments = { chunk: undefined, encoding: undefined, callback: undefined };

class AnswerHold implements HeldAnswer {
  isBegun = false;
  readonly #res: Response;
  readonly #ask: AskAnswer;
  readonly #originals: Methods;
  readonly #before: ResponseHead;
  #phase: Phase = "open";
  #given: [status: number, reason?: string] | undefined;
  readonly #body = new WaitingBody();
  #head: StatusLine | undefined;
  #uncover = (): void => {};
  #endDelay = (): void => {};

  constructor(res: Response, ask: AskAnswer) {
    this.#res = res;
    this.#ask = ask;
    this.#before = headOf(res);
    const { end, flushHeaders, write, writeHead } = res as unknown as Methods;
    this.#originals = { end, flushHeaders, write, writeHead };
  }

  /** Also once more, to stand on top of all others. */
  begin(): void {
    Object.assign(this.#res, {
      end: (...args: Arguments) => this.#onEnd(args),
      flushHeaders: () => this.#onFlush(),
      write: (...args: Arguments) => this.#onWrite(args),
      writeHead: (...args: Arguments) => this.#onWriteHead(args),
    });
  }

  release(): void {
    if (this.#phase !== "waiting") return;
    this.#showAsIs();
    this.#phase = this.#body.isEnded ? "over" : "begun";
    try {
      this.#send();
    } catch (error) {
      // Half of an answer must not look like a whole one.
      if (this.#res.headersSent) return void this.#res.destroy();
      this.#giveBack();
      throw error;
    } finally {
      this.#endDelay();
    }
  }

  withdraw(): void {
    if (this.#phase !== "waiting") return;
    this.#showAsIs();
    if (this.isBegun) {
      this.#phase = "over";
      this.#res.destroy();
    } else this.#giveBack();
    this.#endDelay();
  }

  #onWriteHead(args: Arguments): unknown {
    if (this.#phase === "given" || this.#phase === "waiting") throw headersSent("write");
    if (this.#phase !== "open") return this.#originals.writeHead.call(this.#res, ...args);
    const res = this.#res;
    const [code, second, third] = args;
    const status = (code as number) | 0;
    const reason = typeof second === "string" ? second : undefined;
    assertHead(res, { status, message: reason });
    const isSet = setFields(res, reason === undefined ? (third ?? second) : third);
    // What else Node refuses is left to Node.
    if (!isSet) return this.#originals.writeHead.call(res, ...args);
    res.statusCode = status;
    this.#given = reason === undefined ? [status] : [status, reason];
    this.#phase = "given";
    this.#uncover = coverHead(res);
    return res;
  }

  #onFlush(): void {
    const begin = this.#wait("head", NOTHING);
    if (this.#phase !== "waiting") return void this.#pass("begun", "flushHeaders", []);
    this.#body.flush();
    begin?.(this);
  }

  #onWrite(args: Arguments): unknown {
    const given = chunkArguments(args);
    if (this.#hasEnded()) {
      refuseChunk(this.#res, given);
      return false;
    }
    const begin = this.#wait("head", given);
    if (this.#phase !== "waiting") return this.#pass("begun", "write", args);
    const isReady = this.#body.write(given);
    begin?.(this);
    return isReady;
  }

  #onEnd(args: Arguments): unknown {
    const res = this.#res;
    const given = chunkArguments(args);
    if (this.#hasEnded()) {
      endAgain(res, given);
      return res;
    }
    const begin = this.#wait(this.#phase === "begun" ? "end" : "head", given);
    if (this.#phase !== "waiting") return this.#pass("over", "end", args);
    this.#body.end(res, given);
    const uncoverHead = this.#uncover;
    const uncoverEnd = cover(res, "writableEnded", true);
    this.#uncover = () => {
      uncoverEnd();
      uncoverHead();
    };
    begin?.(this);
    return res;
  }

  /** For whoever goes on with an answer that has ended, if not on the wire. */
  #hasEnded(): boolean {
    if (this.#phase === "waiting") return this.#body.isEnded;
    return this.#phase === "withdrawn" && this.#res.writableEnded;
  }

  /** Asks whether a part is to wait, where that is still to be decided; from then on it does. */
  #wait(part: AnswerPart, chunk: ChunkArguments): ReturnType<AskAnswer> {
    const res = this.#res;
    const isStart = this.#phase === "open" || this.#phase === "given";
    if (!isStart && !(part === "end" && !res.writableEnded)) return undefined;
    this.#showAsIs();
    const begin = this.#ask(part);
    if (!begin) return undefined;
    const [status, message] = this.#given ?? [res.statusCode];
    const head = { status, message: message ?? res.statusMessage };
    if (isStart) this.#assert(head, chunk);
    else assertChunk(chunk);
    this.isBegun = !isStart;
    this.#phase = "waiting";
    this.#head = head;
    if (isStart) this.#uncover = coverHead(res);
    this.#endDelay = delayCut(res);
    return begin;
  }

  /** Where Node would refuse the answer, another one may follow. */
  #assert(head: StatusLine, chunk: ChunkArguments): void {
    try {
      assertHead(this.#res, head);
      assertChunk(chunk);
    } catch (error) {
      this.#phase = "open";
      this.#given = undefined;
      throw error;
    }
  }

  #showAsIs(): void {
    this.#uncover();
    this.#uncover = () => {};
  }

  #pass(next: Phase, name: MethodName, args: Arguments): unknown {
    const isDecided = this.#phase === "over" || this.#phase === "withdrawn";
    if (!isDecided) this.#phase = next;
    try {
      this.#writeGiven();
      return this.#originals[name].call(this.#res, ...args);
    } catch (error) {
      if (!isDecided) this.#phase = this.#res.headersSent ? "begun" : "open";
      throw error;
    }
  }

  #writeGiven(): void {
    const given = this.#given;
    this.#given = undefined;
    if (given) this.#originals.writeHead.call(this.#res, ...given);
  }

  #send(): void {
    const res = this.#res;
    if (!this.isBegun && this.#head) {
      // Somebody may have set another, which of a head that is out would not matter.
      setStatus(res, this.#head);
      this.#writeGiven();
    }
    this.#body.send(res, this.#originals);
  }

  #giveBack(): void {
    this.#phase = "withdrawn";
    this.#given = undefined;
    this.#body.drop();
    putBack(this.#res, this.#before);
    this.begin();
  }
}
