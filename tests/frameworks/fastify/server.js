const app = require('fastify')();

app.register(require('./webhooks'));
app.post('/json', async (request) => request.body);
app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
