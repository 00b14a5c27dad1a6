//! A checkpoint: a saved world, with the forge, the journal, the chat and the clock, to which a play can be restored.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use hotfix_storage::{Clock as _, Timestamp};

use crate::ending::ending;
use crate::play::{Names, Play};
use crate::ports::{Op, replayed};
use crate::site::Back;
use crate::stage;
use crate::world::{Store, console};

/// A saved world.
pub(crate) struct Checkpoint {
    folder: tempfile::TempDir,
    site: Back,
    ops: Vec<Op>,
    now: Timestamp,
    down: Vec<&'static str>,
    names: Names,
    /// Final-state lines at the checkpoint, for comparison.
    pub(crate) ending: Vec<String>,
}

impl Checkpoint {
    pub(crate) async fn of(play: &Play) -> anyhow::Result<Self> {
        let world = &play.world;
        let folder = stage::fresh_folder()?;
        stage::copy(world.folder.path(), folder.path())?;
        let ops = world.ops.lock().expect("a lock").clone();
        let site = world.site.keep();
        let (now, down, names) = (world.clock.now(), world.cut.down(), play.names.clone());
        Ok(Self { folder, site, ops, now, down, names, ending: ending(world).await? })
    }

    pub(crate) async fn restore(&self, play: &mut Play) -> anyhow::Result<()> {
        let world = &mut play.world;
        world.stop();
        clear(world.folder.path())?;
        stage::copy(self.folder.path(), world.folder.path())?;
        world.clock.set(self.now);
        world.console = Arc::new(console(&world.stage, &world.options)?);
        world.site = (self.site)()?;
        world.store = Store::Memory(replayed(&self.ops, &world.clock).await);
        *world.ops.lock().expect("a lock") = self.ops.clone();
        for side in ["forge", "chat", "deployment"] {
            world.cut.set_down(side, self.down.contains(&side));
        }
        world.restart().await?;
        play.begin_anew(self.names.clone());
        Ok(())
    }
}

/// Empties a folder. Retries, because a deployment process may write its last output during the removal.
fn clear(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let gone = || {
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }
        };
        if (0..20).all(|_| gone().is_err() && path.exists()) {
            gone()?;
        }
    }
    Ok(())
}

/// Fails with a diff if the two final states differ.
pub(crate) fn compare(wanted: &[String], found: &[String]) -> anyhow::Result<()> {
    if wanted == found {
        return Ok(());
    }
    let (wanted, found) = (wanted.join("\n") + "\n", found.join("\n") + "\n");
    bail!("another end:\n{}", similar::TextDiff::from_lines(&wanted, &found).unified_diff().context_radius(2))
}
