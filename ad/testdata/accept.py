"""Accepts the first token of a Kerberos bind as a service would, with MIT's library and the channel binding of a
certificate. Prints "bound", "not bound" (the token names no connection) or why it is refused.

accept.py KEYTAB CERTIFICATE.der TOKEN
"""
import ctypes
import hashlib
import os
import sys

keytab, certificate, token = sys.argv[1:]
os.environ["KRB5_KTNAME"] = "FILE:" + keytab
os.environ["KRB5RCACHENAME"] = "none:"
os.environ["KRB5_CONFIG"] = os.devnull
gss = ctypes.CDLL("libgssapi_krb5.so.2")


class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_char_p)]

    def __init__(self, b=b""):
        super().__init__(len(b), b)


class Bindings(ctypes.Structure):
    _fields_ = [("initiator_addrtype", ctypes.c_uint32), ("initiator", Buffer), ("acceptor_addrtype", ctypes.c_uint32),
                ("acceptor", Buffer), ("application", Buffer)]


with open(certificate, "rb") as f:
    sum = hashlib.sha256(f.read()).digest()
with open(token, "rb") as f:
    first = Buffer(f.read())
bindings = Bindings(0, Buffer(), 0, Buffer(), Buffer(b"tls-server-end-point:" + sum))
minor, context, flags, output = ctypes.c_uint32(), ctypes.c_void_p(), ctypes.c_uint32(), Buffer()
major = gss.gss_accept_sec_context(ctypes.byref(minor), ctypes.byref(context), None, ctypes.byref(first), ctypes.byref(bindings),
                                   None, None, ctypes.byref(output), ctypes.byref(flags), None, None)
if major >> 16 == 4:
    print("bad bindings")
elif major:
    print("refused: %#x, %d" % (major, ctypes.c_int32(minor.value).value))
else:
    print("bound" if flags.value & 2048 else "not bound")
