/** Something that signals can be sent to. */
interface Signalled {
  kill(signal: NodeJS.Signals): unknown;
}

export interface SignalForwarder {
  add(command: Signalled): void;
  remove(command: Signalled): void;
  /** True once the user asked the commands to end. */
  stopped(): boolean;
  stop(): void;
}

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const OTHER = ["SIGUSR1", "SIGUSR2"] as const;

/**
 * Passes signals on to the commands, and does not end by them itself: it ends when they have. A key pressed in the
 * terminal (Ctrl-C, Ctrl-\) reaches the commands without us, since they are in the same process group.
 */
export function forwardSignals(): SignalForwarder {
  const running = new Set<Signalled>();
  const fromKeyboard = process.stdin.isTTY === true;
  let stopped = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    stopped ||= ENDING.some((each) => each === signal);
    if (fromKeyboard && (signal === "SIGINT" || signal === "SIGQUIT")) return;
    for (const command of running) command.kill(signal);
  };
  for (const signal of [...ENDING, ...OTHER]) process.on(signal, onSignal);
  return {
    add: (command) => running.add(command),
    remove: (command) => running.delete(command),
    stopped: () => stopped,
    stop: () => {
      for (const signal of [...ENDING, ...OTHER]) process.removeListener(signal, onSignal);
    },
  };
}
