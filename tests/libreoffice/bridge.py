"""LibreOffice's bridge, for the scripts beside this one."""

import time

import uno
from com.sun.star.beans import PropertyValue


def option(name, value):
    """Return an option of loading or storing."""
    one = PropertyValue()
    one.Name, one.Value = name, value
    return one


def desktop(pipe):
    """Return the desktop of the LibreOffice that listens at the pipe, once it is up."""
    resolver = uno.getComponentContext().ServiceManager.createInstance(
        "com.sun.star.bridge.UnoUrlResolver"
    )
    for _ in range(300):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:
            time.sleep(0.1)
        else:
            return context.ServiceManager.createInstanceWithContext(
                "com.sun.star.frame.Desktop", context
            )
    raise SystemExit("LibreOffice did not start")
