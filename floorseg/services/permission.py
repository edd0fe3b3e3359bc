"""Who may start long work on this machine."""

from floorseg.errors import PermissionRefused
from floorseg.settings import Settings


def permit(settings: Settings, user: str | None, *, work: str, public: str) -> None:
    """Let through whoever may.

    Args:
        settings: public or not, and who the trainers are.
        user: who asks; None where nobody has to log in.
        work: what is to be done, as a verb.
        public: the sentence for strangers: what does not happen here, and where it does.

    Raises:
        PermissionRefused: in public mode, and for users who are not among the trainers.
    """
    if settings.public:
        raise PermissionRefused(f"this page is public: {public}")
    allowed = [name.strip() for name in settings.trainers.split(",") if name.strip()]
    if allowed and user not in allowed:
        raise PermissionRefused(f"{user or 'nobody'} may not {work} here; ask for permission")
