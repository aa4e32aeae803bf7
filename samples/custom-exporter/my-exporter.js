// Posts audit records to a webhook, which stores each id once. AUDIT_EXPORTER=./my-exporter.js

exports.createExporter = ({ serviceName, settings }) => {
  if (!URL.canParse(settings.url)) throw new Error('./my-exporter.js needs a url under exporters in AUDIT_CONFIG_FILE');
  let shutDown = false;

  return {
    name: 'webhook',
    async export(records, signal) {
      if (shutDown) return all(records, { status: 'retry', reason: 'the exporter is shut down' });
      const body = JSON.stringify({ service: serviceName, records });
      // A network error rejects, and a rejected promise is a retry for all.
      const response = await fetch(settings.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal });
      const reason = `the webhook answered ${response.status}`;
      await response.body?.cancel();
      if (response.ok) return all(records, { status: 'delivered' });
      // Only what can never be stored is rejected: it goes to the dead letters. When unsure, retry.
      if (response.status === 422) return all(records, { status: 'rejected', reason });
      const afterMs = Number(response.headers.get('retry-after') ?? Number.NaN) * 1000;
      return all(records, { status: 'retry', reason, ...(Number.isFinite(afterMs) && { afterMs }) });
    },
    async shutdown() {
      shutDown = true;
    },
  };
};

const all = (records, acknowledgement) => records.map(() => acknowledgement);
