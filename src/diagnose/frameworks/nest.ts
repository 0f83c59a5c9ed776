// NestJS: a controller for one of your modules. In main.ts, give its routes the raw body before app.listen():
//   const app = await NestFactory.create<NestExpressApplication>(AppModule);
//   app.useBodyParser('raw', { type: (req) => req.url?.includes('/webhooks/'), limit: '5mb' });
import { createHmac, timingSafeEqual } from 'node:crypto';
import { BadRequestException, Body, Controller, Headers, HttpCode, Post, UnauthorizedException } from '@nestjs/common';

function isSigned(variable: string, signature: string, ...parts: (string | Buffer)[]): boolean {
  const secret = process.env[variable];
  if (!secret) throw new Error(`${variable} is not set`);
  const hmac = createHmac('sha256', secret);
  parts.forEach((part) => hmac.update(part));
  return /^[0-9a-f]{64}$/i.test(signature) && timingSafeEqual(Buffer.from(signature, 'hex'), hmac.digest());
}

function parseEvent(body: Buffer): Record<string, unknown> {
  let event: unknown;
  try {
    event = JSON.parse(body.toString());
  } catch {
    throw new BadRequestException();
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw new BadRequestException();
  return event as Record<string, unknown>;
}

@Controller('webhooks')
export class WebhooksController {
  @Post('plexos')
  @HttpCode(200)
  plexos(
    @Headers('X-Plexos-Timestamp') time = '',
    @Headers('X-Plexos-Signature') signature = '',
    @Body() body?: Buffer,
  ): void {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const isFresh = /^\d{1,12}$/.test(time) && Math.abs(Date.now() / 1000 - Number(time)) <= 300;
    if (!isFresh || !isSigned('PLEXOS_WEBHOOK_SECRET', signature, `${time}.`, bytes)) throw new UnauthorizedException();
    const event = parseEvent(bytes);
    // Store `event` here, and process it later, once per event.id.
  }

  @Post('plustive')
  @HttpCode(200)
  plustive(@Headers('X-Plustive-Signature') signature = '', @Body() body?: Buffer): void {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const digits = signature.replace(/^sha256=/i, '');
    if (!isSigned('PLUSTIVE_WEBHOOK_SECRET', digits, bytes)) throw new UnauthorizedException();
    const event = parseEvent(bytes);
    // Store `event` here, and process it later, once per event.reference and status.
  }
}
