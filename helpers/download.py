"""Downloads of pictures: bounded in bytes and seconds, and from web addresses only."""

import concurrent.futures
import http.client
import string
import threading
import urllib.error
import urllib.parse
import urllib.request

from .errors import PictureError

MAX_BYTES = 50_000_000
TIMEOUT = 20  # seconds without an answer
DURATION = 60  # seconds for the whole of it


def fetch(address):
    """The bytes behind an http(s) address.

    Raises PictureError: no such address, more than MAX_BYTES bytes or DURATION seconds.
    """
    # In a thread: no timeout of a socket ends what comes a byte at a time.
    result, given_up = concurrent.futures.Future(), threading.Event()

    def work():
        try:
            result.set_result(_download(address, given_up))
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return result.result(DURATION)
    except TimeoutError:
        raise PictureError(
            f"{address} took longer than {DURATION} seconds: try again, or use a local file."
        ) from None
    finally:
        given_up.set()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Followed to web addresses only; urllib would go to ftp:// too."""

    def redirect_request(self, request, file, code, message, headers, newurl):
        _check_web(newurl)
        return super().redirect_request(request, file, code, message, headers, newurl)


def _check_web(address):
    if not address.lower().startswith(("http://", "https://")):
        raise PictureError(
            f"{address} is not a web address: it must begin with http:// or https://."
        )


def _download(address, given_up):
    _check_web(address)
    try:
        # Wikimedia refuses clients that do not say who they are.
        headers = {"User-Agent": "neural-style-transfer/1.0"}
        request = urllib.request.Request(_ascii(address), headers=headers)
        with urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT) as answer:
            expected, data = answer.length or 0, bytearray()
            while len(data) <= MAX_BYTES and not given_up.is_set():
                part = answer.read1(1 << 16)
                if not part:
                    break
                data += part
    except urllib.error.HTTPError as error:
        raise PictureError(f"{address} answered {error.code}: check the address.") from None
    except http.client.IncompleteRead:
        raise PictureError(f"{address} broke off before its end: try again.") from None
    except PictureError:
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise PictureError(
            f"{address} could not be fetched ({reason}): check the network, or use a local file."
        ) from None
    if len(data) > MAX_BYTES:
        raise PictureError(
            f"{address} is larger than {MAX_BYTES // 10**6} MB: choose a smaller picture."
        )
    if len(data) < expected:
        raise PictureError(f"{address} broke off before its end: try again.")
    return bytes(data)


def _ascii(address):
    """The address as it is sent: `ü` and spaces percent-encoded, in a host as punycode."""
    parts = urllib.parse.urlsplit(address)
    if not parts.netloc.isascii():
        parts = parts._replace(netloc=parts.netloc.encode("idna").decode("ascii"))
    return urllib.parse.quote(parts.geturl(), safe=string.punctuation)
