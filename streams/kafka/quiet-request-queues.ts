import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

let done = false;

/**
 * Keeps idle connections of kafkajs 2.2.4 idle: each one sets its timer anew without end, with a delay below zero, which costs
 * some percent of a core for a few of them. With nothing to send and no throttling there is nothing to check.
 */
export function quietRequestQueues(): void {
  if (done) return;
  done = true;
  const { scheduleCheckPendingRequests: schedule } = RequestQueue.prototype;
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
