"""Where things are and what is allowed, from the environment (``FLOORSEG_...``) and from flags."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent  # the checkout, or site-packages when installed


class Settings(BaseSettings):
    """Folders and limits. Every field can be set as ``FLOORSEG_<NAME>`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="FLOORSEG_", extra="ignore", frozen=True)

    checkpoints: Path = Field(PROJECT / "checkpoints", description="where weights lie")
    data_root: Path = Field(
        Path("floorplan_datasets"), description="datasets: nothing outside is readable"
    )
    runs: Path = Field(Path("runs"), description="one folder a training run")
    reports: Path = Field(Path("reports"), description="one folder an evaluation")
    cache: Path = Field(
        Path.home() / ".cache" / "floorseg", description="indexes, features and thumbnails"
    )
    checkpoint: str = Field("floorseg-nano-rooms", description="the checkpoint used by default")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")

    host: str = Field("127.0.0.1", description="address the page listens on")
    port: int = Field(7860, ge=0, le=65535, description="port the page listens on")
    root_path: str = Field("", description="path prefix behind a reverse proxy")
    share: bool = Field(False, description="ask Gradio for a public link")
    public: bool = Field(
        False, description="strangers may visit: no training, no server folders, tight limits"
    )
    auth_user: str = Field("", description="user name the page asks for; empty for none")
    auth_password: str = Field("", description="its password")
    auth_file: Path | None = Field(None, description="a file of user:password lines")
    trainers: str = Field(
        "", description="users who may train, joined with commas; empty for everybody let in"
    )
    max_upload_mb: float = Field(40.0, gt=0, description="largest upload, megabytes")
    max_upload_megapixels: float = Field(40.0, gt=0, description="largest picture, megapixels")
    embedding_cache_mb: float = Field(512.0, gt=0, description="memory for encoded pictures")
